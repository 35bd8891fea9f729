# What every machine has.
class profile::base {
  include sandbox
  include motd
  include apt
  include ntp
  include ssh
  include accounts
  include sysctl
  include cron
  include logrotate
  include monitoring
}
