# The load balancer: one file, put together from what each frontend and backend brings.
class haproxy (
  Integer[1]         $max_connections,
  Hash[String, Hash] $frontends,
  Hash[String, Hash] $backends,
) {
  fragments::file { '/etc/haproxy/haproxy.cfg':
    mode => '0640',
  }
  fragments::part { 'global and defaults':
    of      => '/etc/haproxy/haproxy.cfg',
    order   => 1,
    content => template('haproxy/global.erb'),
  }
  $frontends.each |$name, $frontend| {
    haproxy::frontend { $name: * => $frontend }
  }
  $backends.each |$name, $backend| {
    haproxy::backend { $name: * => $backend }
  }
  ['400', '403', '408', '500', '502', '503', '504'].each |$status| {
    file { sandbox::path("/etc/haproxy/errors/${status}.http"):
      content => epp('haproxy/error.epp', { 'status' => $status }),
    }
  }
}
