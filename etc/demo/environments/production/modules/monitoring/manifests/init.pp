# Local checks for the monitoring agent.
class monitoring (
  Hash[String, Hash] $checks,
  Integer[10]        $interval,
) {
  file { sandbox::path('/usr/local/lib/monitoring'):
    ensure  => directory,
    source  => 'puppet:///modules/monitoring/plugins',
    recurse => true,
    purge   => true,
    mode    => '0755',
  }
  file { sandbox::path('/etc/monitoring/agent.conf'):
    content => epp('monitoring/agent.conf.epp', { 'interval' => $interval, 'checks' => $checks.keys.sort }),
  }
  $checks.each |$name, $check| {
    monitoring::check { $name:
      * => { 'interval' => $interval } + $check,
    }
  }
  exec { 'note the checks of this machine':
    command  => "ls '${sandbox::path('/etc/monitoring/checks.d')}' > '${sandbox::path('/var/lib/monitoring-checks')}'",
    unless   => "ls '${sandbox::path('/etc/monitoring/checks.d')}' | cmp -s - '${sandbox::path('/var/lib/monitoring-checks')}'",
    provider => shell,
    path     => ['/usr/bin', '/bin'],
  }
  Monitoring::Check <| |> -> Exec['note the checks of this machine']
}
