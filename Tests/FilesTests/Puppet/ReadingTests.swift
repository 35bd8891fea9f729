import Testing

@testable import Files

/// What is read as Puppet's own code reads it, and what is left to that code.
@Suite struct ReadingTests {
  static let conf = EnvironmentConf(interpolated: [
    "basemodulepath": "/code/modules:/usr/share/modules", "codedir": "/code",
  ])

  @Test(
    arguments: [
      (nil, ["/env/modules", "/base"]),
      ("", ["/env/modules", "/base"]),
      ("# modulepath = x\n\n  manifest = m\n", ["/env/modules", "/base"]),
      ("modulepath = site", ["/env/site"]),
      ("  modulepath=site:/abs/../other/:a/./b\r\n", ["/env/site", "/other", "/env/a/b"]),
      (
        "modulepath = site:$basemodulepath:last\n", ["/env/site", "/code/modules", "/usr/share/modules", "/env/last"]
      ),
      ("modulepath = $codedir/shared\nmodulepath = other\n", ["/code/shared"]),
      ("[main]\nmodulepath = site\nenvironment_timeout = unlimited\n", ["/env/site"]),
    ] as [(String?, [String])])
  func readsModulepath(text: String?, path: [String]) {
    #expect(Self.conf.modulepath(of: "/env", text: text, base: ["/base"]) == path)
  }

  @Test(arguments: [
    "modulepath = 'site'", "modulepath = \"site\"", "modulepath = s*te", "modulepath = s[i]te", "modulepath = {a,b}",
    "modulepath = ~/site", "modulepath = site/$environment", "modulepath = $vardir/x", "modulepath = ${codedir}/x",
    "modulepath =", "modulepath = a::b", ":modulepath = a", "modulepath = a # first", "[other]\nmodulepath = a",
    "modulepath = a\nnot a setting", "modulepath = a\\b", "modulepath = site {mode = 0755}",
  ])
  func leavesOddModulepaths(text: String) {
    #expect(Self.conf.modulepath(of: "/env", text: text, base: ["/base"]) == nil)
  }

  @Test func readsMounts() {
    let text = """
      # comment
      [pool]
        path /srv/pool
        allow *
      [home-pages]
      path   /srv/with space
      [each]
      path /srv/%H
      [modules]
      allow *
      """
    #expect(FileServerConf(parsing: text) == .mounts(["pool": "/srv/pool", "home-pages": "/srv/with space"]))
    #expect(FileServerConf(parsing: "") == .mounts([:]))
  }

  @Test(arguments: [
    "path /outside", "[a]\npath = /x", "[a]\nroot /x", "[a]\npath /x\n[a]\npath /y", "[pluginfacts]\npath /x",
    "[a]\nnonsense", "[a b]\npath /x", "[a]\npath relative", "x [a]\npath /x", "[a]\npath /x # why",
  ])
  func leavesOddMounts(text: String) {
    #expect(FileServerConf(parsing: text) == .doubtful)
  }

  @Test(arguments: [
    ("*.bak", "a.bak", true), ("*.bak", ".bak", false), ("*.bak", "a.bak2", false), ("*", "a", true),
    ("*", ".a", false),
    (".*", ".a", true), ("?", "ü", true), ("?", "", false), ("?a", ".a", false), ("a?c", "abc", true),
    ("a*b*c", "aXbYbc", true),
    ("a*b*c", "acb", false), (".svn", ".svn", true), ("", "", true), ("", "a", false), ("**", "ab", true),
    ("{a,b}", "a", false),
    ("a/b", "a", false), ("A", "a", false),
  ])
  func matchesAsRubyDoes(pattern: String, name: String, matches: Bool) {
    #expect(IgnorePattern(pattern)?.matches(name) == matches)
  }

  @Test(arguments: ["[ab]", "a\\*", "a]"])
  func leavesSetsToRuby(pattern: String) {
    #expect(IgnorePattern(pattern) == nil)
  }

  @Test(arguments: [
    ("{}", true),
    (#"{"name":"a-b","source":"","author":"","version":"1","license":"","dependencies":[{"name":"x/y"}]}"#, true),
    (#"{"source":0,"author":0,"version":0,"license":0,"dependencies":[]}"#, true),
    (#"{"name":"a-b","source":"","author":"","version":"1","license":"","dependencies":"none"}"#, false),
    (#"{"name":"a-b","source":"","author":"","version":"1","license":"","dependencies":["x"]}"#, false),
    (#"{"name":"a-b","source":"","author":"","version":"1","license":null,"dependencies":[]}"#, false),
    (#"{"name":"a-b"}"#, false),
    (#"{"name":7,"source":"","author":"","version":"","license":"","dependencies":[]}"#, false),
    ("[]", false), ("", false), ("{", false), ("\u{FEFF}{}", false),
  ])
  func takesModulesThatPuppetTakes(metadata: String, isAccepted: Bool) {
    #expect(ModuleMetadata.isAccepted(Array(metadata.utf8)) == isAccepted)
  }

  @Test func readsRequests() throws {
    let path = Array("/puppet/v3/file_metadatas/modules/a/with space".utf8)
    let asked =
      "recurse=true&recurselimit=3&max_files=-1&ignore=.svn&ignore=%2A.bak&links=follow&checksum_type=md5"
      + "&source_permissions=use&environment=production"
    let query = Array(asked.utf8)
    let read = PuppetRequest(path: path.span, query: query.span)
    let request = try #require(read)
    #expect(request.kind == .metadatas)
    #expect(request.mount == "modules")
    #expect(request.path == "a/with space")
    #expect(request.environment == "production")
    #expect(request.recurses && request.recurseLimit == 3 && request.maxFiles == 0)
    #expect(request.ignored == [IgnorePattern(".svn"), IgnorePattern("*.bak")])
    #expect(request.followsLinks && request.keepsPermissions && request.checksum == .md5)
  }

  @Test(arguments: [
    ("/puppet/v3/file_content/modules/a/b", ""), ("/puppet/v3/file_content/modules/a/b", "environment="),
    ("/puppet/v3/file_content/modules/a/b/", "environment=e"), ("/puppet/v3/file_content/", "environment=e"),
    ("/puppet/v3/file_content", "environment=e"), ("/puppet/v3/file_bucket_file/md5/x", "environment=e"),
    ("/puppet/v3/file_content/mod:ules/a", "environment=e"), ("/puppet/v4/file_content/modules/a", "environment=e"),
    ("/puppet/v3/file_content/modules/a", "environment=a-b"), ("/puppet/v3/file_content/modules/a", "environment=12"),
    ("/puppet/v3/file_content/modules/a", "environment=true"),
    ("/puppet/v3/file_content/modules/a", "environment=%zz"),
    ("/puppet/v3/file_content/modules/a", "environment=e&environment=f"),
    ("/puppet/v3/file_content/modules/a", "environment=e&code_id=7"),
    ("/puppet/v3/file_content/modules/a", "environment=e&recurse=true"),
    ("/puppet/v3/file_content/modules/a", "environment=e&links"),
    ("/puppet/v3/file_metadata/modules/a", "environment=e&links=ignore"),
    ("/puppet/v3/file_metadata/modules/a", "environment=e&checksum_type=sha3"),
    ("/puppet/v3/file_metadatas/modules/a", "environment=e&recurselimit=08"),
    ("/puppet/v3/file_metadatas/modules/a", "environment=e&recurselimit=infinite"),
    ("/puppet/v3/file_metadatas/modules/a", "environment=e&ignore=123"),
    ("/puppet/v3/file_metadatas/modules/a", "environment=e&ignore=%0a"),
  ])
  func leavesOddRequests(path: String, query: String) {
    let (path, query) = (Array(path.utf8), Array(query.utf8))
    let request = PuppetRequest(path: path.span, query: query.span)
    #expect(request == nil)
  }
}
