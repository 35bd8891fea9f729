# Jobs and the scripts that they call.
class cron (
  Hash[String, Hash] $jobs,
) {
  $jobs.each |$name, $job| {
    cron::job { $name: * => $job }
  }
  ['backup-tree', 'report-disk', 'build-sitemap'].each |$script| {
    file { sandbox::path("/usr/local/bin/${script}"):
      source => "puppet:///modules/cron/${script}",
      mode   => '0755',
    }
  }
}
