# frozen_string_literal: true

module MasterPool
  # Standard output and error that never wait.
  #
  # Both are a pipe to the supervisor, which outlives it: while there is no supervisor nobody reads, and Ruby would wait
  # for room in the pipe for as long as that lasts. What finds no room is dropped.
  module Output
    def self.never_wait
      [$stdout, $stderr].each do |stream|
        stream.sync = true
        stream.extend(self)
      end
    end

    # puts, print, warn and << all come here.
    def write(*texts)
      texts.sum do |text|
        bytes = text.to_s
        write_nonblock(bytes, exception: false)
        bytes.bytesize
      end
    rescue SystemCallError
      0
    end
  end
end
