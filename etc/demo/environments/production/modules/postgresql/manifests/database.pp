# A database, who may use it and from where.
define postgresql::database (
  String        $owner,
  Integer[1]    $connections,
  Array[String] $clients,
) {
  file { sandbox::path("/var/lib/postgresql/${name}.sql"):
    content => epp('postgresql/database.sql.epp', { 'name' => $name, 'owner' => $owner, 'connections' => $connections }),
  }
  fragments::part { "clients of ${name}":
    of      => '/etc/postgresql/pg_hba.conf',
    content => $clients.map |$network| { "hostssl ${name} ${owner} ${network} scram-sha-256\n" }.join,
  }
}
