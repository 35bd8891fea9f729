# What the kernel takes its time from; tells a virtual machine whose clock may jump.
Facter.add(:clock_source) do
  confine kernel: 'Linux'
  setcode do
    file = '/sys/devices/system/clocksource/clocksource0/current_clocksource'
    File.readable?(file) ? File.read(file).strip : 'unknown'
  end
end
