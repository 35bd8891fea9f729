# A file put together from fragments, in the order of their numbers.
#
# @param path of the real machine
define fragments::file (
  String $path = $title,
  String $mode = '0644',
) {
  $target = sandbox::path($path)
  $parts  = "${target}.parts"

  file { $parts:
    ensure  => directory,
    mode    => '0755',
    recurse => true,
    purge   => true,
    force   => true,
  }

  exec { "assemble ${path}":
    command  => "cat '${parts}'/*.part > '${target}'",
    unless   => "cat '${parts}'/*.part | cmp -s - '${target}'",
    provider => shell,
    path     => ['/usr/bin', '/bin'],
    require  => File[$parts],
  }

  file { $target:
    ensure  => file,
    mode    => $mode,
    require => Exec["assemble ${path}"],
  }
}
