# People and robots with a home here.
class accounts (
  Hash[String, Hash] $users,
) {
  $users.each |$name, $user| {
    accounts::user { $name: * => $user }
  }
  file { sandbox::path('/etc/skel/README'):
    content => "Homes are set up by the configuration management; put local changes into .profile.local.\n",
  }
  file { sandbox::path('/etc/profile.d/history.sh'):
    source => 'puppet:///modules/accounts/history.sh',
  }
}
