# What one reads after logging in.
class motd (
  String        $contact,
  Array[String] $notes = [],
) {
  file { sandbox::path('/etc/motd'):
    content => epp('motd/motd.epp', { 'contact' => $contact, 'notes' => $notes }),
  }
  file { sandbox::path('/etc/issue.net'):
    source => 'puppet:///modules/motd/issue.net',
  }
}
