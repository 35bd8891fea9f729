# Time, and who may ask for it.
class ntp (
  Array[String, 1] $servers,
  Array[String]    $restrict_to = [],
) {
  file { sandbox::path('/etc/ntpsec/ntp.conf'):
    content => epp('ntp/ntp.conf.epp', {
      'servers'     => $servers,
      'restrict_to' => $restrict_to,
      'virtual'     => $facts['clock_source'] in ['kvm-clock', 'xen', 'hyperv_clocksource_tsc_page'],
    }),
    mode    => '0644',
  }
  file { sandbox::path('/etc/ntpsec/leap-seconds.list'):
    source => 'puppet:///modules/ntp/leap-seconds.list',
  }
  file { sandbox::path('/etc/default/ntpsec'):
    content => "NTPD_OPTS=\"-g -N\"\nIGNORE_DHCP=yes\n",
  }
}
