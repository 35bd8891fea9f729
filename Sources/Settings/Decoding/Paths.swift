/// An absolute path without doubled and closing slashes and without `.`; `..` stays, since a link may stand before it.
func tidied(_ path: String) -> String {
  "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
}

/// True where `outer` is `inner`'s folder, or the same.
func isFolder(_ outer: String, holding inner: String) -> Bool {
  outer == "/" || inner == outer || inner.hasPrefix(outer + "/")
}

func parentFolder(of path: String) -> String {
  let parts = path.split(separator: "/").dropLast()
  return "/" + parts.joined(separator: "/")
}

/// How many folders deep: `/var/lib` is 2.
func depth(of path: String) -> Int { path.split(separator: "/").count }

extension Surroundings {
  /// The folder in which a settings file's relative paths start.
  func folder(ofFile file: String) -> String {
    parentFolder(of: absolute(file, from: currentDirectory))
  }

  func absolute(_ path: String, from folder: String) -> String {
    tidied(path.hasPrefix("/") ? path : "\(folder)/\(path)")
  }
}
