# How long logs are kept.
class logrotate (
  Hash[String, Hash] $rules,
) {
  $rules.each |$name, $rule| {
    file { sandbox::path("/etc/logrotate.d/${name}"):
      content => epp('logrotate/rule.epp', {
        'paths'  => $rule['paths'],
        'rotate' => $rule['rotate'],
        'size'   => $rule['size'],
      }),
    }
  }
}
