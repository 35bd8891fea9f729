# A database server sized by its memory.
class postgresql (
  Integer[256]       $memory_mib,
  Hash[String, Hash] $databases,
  Array[String]      $clients,
) {
  $settings = {
    'shared_buffers'       => "${$memory_mib / 4}MB",
    'effective_cache_size' => "${$memory_mib * 3 / 4}MB",
    'work_mem'             => "${$memory_mib / 256}MB",
    'max_connections'      => $databases.values.reduce(10) |$sum, $database| { $sum + $database['connections'] },
    'log_min_duration_statement' => '500ms',
    'wal_compression'      => 'on',
  }
  $settings.each |$key, $value| {
    file { sandbox::path("/etc/postgresql/conf.d/${key}.conf"):
      content => "${key} = '${value}'\n",
    }
  }
  fragments::file { '/etc/postgresql/pg_hba.conf':
    mode => '0640',
  }
  fragments::part { 'local':
    of      => '/etc/postgresql/pg_hba.conf',
    order   => 1,
    content => "local all postgres peer\n",
  }
  $databases.each |$name, $database| {
    postgresql::database { $name:
      owner       => $database['owner'],
      connections => $database['connections'],
      clients     => $clients,
    }
  }
}
