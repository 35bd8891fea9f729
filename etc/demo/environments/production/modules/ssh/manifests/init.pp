# The SSH server, its banner and the hosts known to everybody.
class ssh (
  Integer[1, 65535]                $port,
  Enum['no', 'prohibit-password']  $permit_root_login,
  Array[String]                    $allow_groups,
  Hash[String, Variant[String, Integer]] $settings,
  Hash[String, Struct[{ type => String, key => String }]] $known_hosts = {},
) {
  file { sandbox::path('/etc/ssh/sshd_config'):
    content => template('ssh/sshd_config.erb'),
    mode    => '0600',
  }
  $settings.each |$key, $value| {
    file { sandbox::path("/etc/ssh/sshd_config.d/${key}.conf"):
      content => "${key} ${value}\n",
      mode    => '0600',
    }
  }
  file {
    sandbox::path('/etc/ssh/banner'):
      source => 'puppet:///modules/ssh/banner';
    sandbox::path('/etc/ssh/moduli'):
      source => 'puppet:///modules/ssh/moduli';
    sandbox::path('/etc/ssh/ssh_config'):
      source => 'puppet:///modules/ssh/ssh_config';
  }

  fragments::file { '/etc/ssh/ssh_known_hosts': }
  $known_hosts.each |$host, $key| {
    fragments::part { "known host ${host}":
      of      => '/etc/ssh/ssh_known_hosts',
      content => "${host} ${key['type']} ${key['key']}\n",
    }
  }
}
