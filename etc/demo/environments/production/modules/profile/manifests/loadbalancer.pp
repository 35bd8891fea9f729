# The balancer in front of the web servers.
class profile::loadbalancer {
  include haproxy
}
