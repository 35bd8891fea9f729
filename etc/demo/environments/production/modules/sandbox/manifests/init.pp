# The folder that stands for the machine's root, so that a run changes nothing outside of it.
#
# @param directories what is made in it before anything else, parents first
class sandbox (
  Array[Pattern[/\A\//]] $directories,
) {
  $directories.each |$directory| {
    file { sandbox::path($directory):
      ensure => directory,
      mode   => '0755',
    }
  }
}
