# A module's load file.
define apache::module {
  file { sandbox::path("/etc/apache2/mods-enabled/${name}.load"):
    content => "LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n",
  }
}
