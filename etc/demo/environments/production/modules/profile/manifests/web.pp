# A web server with its sites.
class profile::web {
  include apache
}
