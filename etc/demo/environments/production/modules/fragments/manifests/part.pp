# One fragment of a file.
define fragments::part (
  String               $of,
  String               $content,
  Integer[0, 99]       $order = 50,
) {
  $name_on_disk = regsubst($title, '[^A-Za-z0-9_.-]+', '_', 'G')
  file { sandbox::path("${of}.parts/${sprintf('%02d', $order)}-${name_on_disk}.part"):
    ensure  => file,
    content => $content,
    before  => Exec["assemble ${of}"],
  }
}
