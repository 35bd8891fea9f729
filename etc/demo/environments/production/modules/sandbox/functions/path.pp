# The place in the sandbox of a path of the real machine.
function sandbox::path(String $path) >> String {
  $root = $facts['demo_root']
  unless $root =~ Pattern[/\A\/.+/] {
    fail('this environment writes below the folder that the fact demo_root names; set FACTER_demo_root=/some/folder for the agent')
  }
  "${root}${path}"
}
