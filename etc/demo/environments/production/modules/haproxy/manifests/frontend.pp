# Where clients connect.
define haproxy::frontend (
  String               $bind,
  String               $default_backend,
  Enum['http', 'tcp']  $mode = 'http',
) {
  fragments::part { "frontend ${name}":
    of      => '/etc/haproxy/haproxy.cfg',
    order   => 20,
    content => epp('haproxy/frontend.epp', { 'name' => $name, 'bind' => $bind, 'mode' => $mode, 'backend' => $default_backend }),
  }
}
