# A home, its dotfiles, its keys and, for some, the right to become root.
define accounts::user (
  String              $full_name,
  Array[String]       $groups       = [],
  Hash[String,String] $keys         = {},
  String              $shell        = '/bin/bash',
  String              $umask        = '0027',
  Boolean             $sudo         = false,
  Array[String]       $own_dotfiles = [],
) {
  $home = sandbox::path("/home/${name}")

  file { [$home, "${home}/.ssh", "${home}/bin", "${home}/.config", "${home}/.config/git"]:
    ensure => directory,
    mode   => '0700',
  }
  file { "${home}/.ssh/authorized_keys":
    content => accounts::authorized_keys($keys, $name),
    mode    => '0600',
  }
  file { "${home}/.config/git/config":
    content => epp('accounts/gitconfig.epp', { 'full_name' => $full_name, 'user' => $name }),
  }
  file { "${home}/.profile":
    content => epp('accounts/profile.epp', { 'shell' => $shell, 'umask' => $umask, 'groups' => $groups }),
  }
  ['.bashrc', '.inputrc', '.vimrc'].each |$dotfile| {
    file { "${home}/${dotfile}":
      source => $dotfile in $own_dotfiles ? {
        true  => "puppet:///modules/accounts/users/${name}/${dotfile}",
        false => "puppet:///modules/accounts/default/${dotfile}",
      },
    }
  }
  if $sudo {
    file { sandbox::path("/etc/sudoers.d/${name}"):
      content => "${name} ALL=(ALL:ALL) NOPASSWD: ALL\n",
      mode    => '0440',
    }
  }
}
