# One file in cron.d: a job, its lock and its line in the journal.
define cron::job (
  Pattern[/\A(\S+ ){4}\S+\z/] $at,
  String                      $command,
  String                      $user = 'root',
) {
  file { sandbox::path("/etc/cron.d/${name}"):
    content => epp('cron/job.epp', { 'name' => $name, 'at' => $at, 'user' => $user, 'command' => $command }),
    mode    => '0644',
  }
}
