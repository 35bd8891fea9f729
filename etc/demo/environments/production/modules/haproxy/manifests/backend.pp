# Servers that share the work by their number of cores.
define haproxy::backend (
  Hash[String, Struct[{ address => String, port => Integer, cores => Integer }]] $servers,
  Enum['http', 'tcp'] $mode  = 'http',
  Optional[String]    $check = undef,
) {
  fragments::part { "backend ${name}":
    of      => '/etc/haproxy/haproxy.cfg',
    order   => 40,
    content => epp('haproxy/backend.epp', {
      'name'    => $name,
      'mode'    => $mode,
      'check'   => $check,
      'servers' => $servers,
      'weights' => haproxy::weights($servers),
    }),
  }
  $servers.each |$server, $_| {
    file { sandbox::path("/etc/haproxy/haproxy.d/${name}-${server}.state"):
      content => "${name} ${server} ready\n",
    }
  }
}
