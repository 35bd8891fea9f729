# One source in deb822 form, pinned if it is to win or lose against the others.
define apt::source (
  String            $uri,
  Array[String[1]]  $suites,
  Array[String[1]]  $components,
  Optional[Integer] $pin = undef,
) {
  file { sandbox::path("/etc/apt/sources.list.d/${name}.sources"):
    content => epp('apt/source.epp', { 'uri' => $uri, 'suites' => $suites, 'components' => $components }),
  }
  if $pin {
    $host = regsubst($uri, '\Ahttps?://([^/]+).*\z', '\1')
    file { sandbox::path("/etc/apt/preferences.d/${name}"):
      content => "Package: *\nPin: origin ${host}\nPin-Priority: ${pin}\n",
    }
  }
}
