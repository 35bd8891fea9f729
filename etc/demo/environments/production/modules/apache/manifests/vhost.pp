# One site: its configuration, its document root, its first page and what keeps robots out.
define apache::vhost (
  String              $docroot,
  Boolean             $tls,
  Array[String]       $aliases    = [],
  Array[String]       $options    = ['FollowSymLinks'],
  Array[String]       $allow      = [],
  Hash[String,String] $proxy      = {},
  Integer[0]          $cache_days = 0,
) {
  $root = "/srv/www/${docroot}"

  file { sandbox::path("/etc/apache2/sites-enabled/${name}.conf"):
    content => epp('apache/vhost.epp', {
      'name'       => $name,
      'root'       => $root,
      'tls'        => $tls,
      'aliases'    => $aliases,
      'options'    => $options,
      'allow'      => $allow,
      'proxy'      => $proxy,
      'cache_days' => $cache_days,
    }),
  }
  file { [sandbox::path($root), sandbox::path("${root}/errors")]:
    ensure => directory,
    mode   => '0755',
  }
  file { sandbox::path("${root}/index.html"):
    content => epp('apache/index.html.epp', { 'name' => $name }),
  }
  file { sandbox::path("${root}/robots.txt"):
    content => if $allow.empty { "User-agent: *\nDisallow:\n" } else { "User-agent: *\nDisallow: /\n" },
  }
  ['403', '404', '503'].each |$status| {
    file { sandbox::path("${root}/errors/${status}.html"):
      source => "puppet:///modules/apache/errors/${status}.html",
    }
  }
  if $tls {
    file { sandbox::path("/etc/apache2/ssl/${name}.conf"):
      content => "SSLCertificateFile /etc/ssl/certs/${name}.pem\nSSLCertificateKeyFile /etc/ssl/private/${name}.key\n",
      mode    => '0640',
    }
  }
}
