# A node's role is the first word of its name: web-1.demo is a web server.
$role = $trusted['certname'] ? {
  /\A(web|lb|db)\b/ => $1,
  default           => 'plain',
}

node default {
  include profile::base
  case $role {
    'web':   { include profile::web }
    'lb':    { include profile::loadbalancer }
    'db':    { include profile::database }
    default: { notice("${trusted['certname']} has no role of its own") }
  }
}
