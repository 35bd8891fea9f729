# Kernel parameters, one file each, so that a removed one leaves with its file.
class sysctl (
  Hash[String, Variant[Integer, String]] $values,
) {
  $values.each |$key, $value| {
    file { sandbox::path("/etc/sysctl.d/70-${key}.conf"):
      content => "${key} = ${value}\n",
    }
  }
  ['nofile', 'nproc', 'core'].each |$limit| {
    file { sandbox::path("/etc/security/limits.d/${limit}.conf"):
      content => epp('sysctl/limit.epp', { 'item' => $limit }),
    }
  }
}
