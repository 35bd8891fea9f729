# One check: a definition that the agent reads, and a wrapper to run it by hand.
define monitoring::check (
  String        $command,
  String        $warn,
  String        $crit,
  Integer       $interval,
  Array[String] $arguments = [],
) {
  $line = "/usr/local/lib/monitoring/${command} -w ${warn} -c ${crit} ${arguments.join(' ')}".strip
  file { sandbox::path("/etc/monitoring/checks.d/${name}.yaml"):
    content => epp('monitoring/check.epp', { 'name' => $name, 'line' => $line, 'interval' => $interval }),
  }
  file { sandbox::path("/usr/local/bin/check-${name}"):
    content => "#!/bin/sh\nexec ${line} \"\$@\"\n",
    mode    => '0755',
  }
}
