# Package sources and preferences.
class apt (
  Hash[String, Hash] $sources,
) {
  $sources.each |$name, $source| {
    apt::source { $name: * => $source }
  }
  ['10periodic', '20auto-upgrades', '50unattended-upgrades', '60no-recommends'].each |$part| {
    file { sandbox::path("/etc/apt/${part}"):
      source => "puppet:///modules/apt/${part}",
    }
  }
}
