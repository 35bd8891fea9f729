# The web server, its modules and its sites.
class apache (
  Array[String]      $modules,
  Hash[String, Hash] $vhosts,
  Integer[1]         $max_workers,
) {
  file { sandbox::path('/etc/apache2/apache2.conf'):
    content => template('apache/apache2.conf.erb'),
  }
  file { sandbox::path('/etc/apache2/ports.conf'):
    content => "Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n",
  }
  ['charset', 'security', 'other-vhosts-access-log'].each |$part| {
    file { sandbox::path("/etc/apache2/conf-enabled/${part}.conf"):
      source => "puppet:///modules/apache/conf/${part}.conf",
    }
  }
  $modules.each |$module| {
    apache::module { $module: }
  }
  $vhosts.each |$name, $vhost| {
    apache::vhost { $name: * => $vhost }
  }
}
