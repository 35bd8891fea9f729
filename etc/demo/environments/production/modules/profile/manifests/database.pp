# A PostgreSQL server.
class profile::database {
  include postgresql
}
