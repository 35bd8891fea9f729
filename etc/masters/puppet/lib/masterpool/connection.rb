# frozen_string_literal: true

require 'socket'
require 'masterpool/http'

module MasterPool
  # One connection of the front's, with what has been read of its next request.
  class Connection
    READ_BYTES = 64 * 1024
    HEAD_END = "\r\n\r\n".b.freeze

    def initialize(socket)
      @socket = socket
      @buffer = String.new(encoding: Encoding::BINARY)
      @over = false
    end

    def to_io
      @socket
    end

    # Takes what is there without waiting, so that half a head never holds up another connection.
    # False once the other side has closed between requests.
    def receive
      case (bytes = @socket.read_nonblock(READ_BYTES, exception: false))
      when :wait_readable then true
      when nil then false
      else @buffer << bytes
      end
    rescue SystemCallError
      false
    end

    # Is there a request, or enough to refuse one?
    def request_waiting?
      @buffer.include?(HEAD_END) || @buffer.bytesize > HTTP::MAX_HEAD_BYTES
    end

    # The next request, body and all. Raises HTTP::Refused or HTTP::Gone.
    def read_request
      head_end = @buffer.index(HEAD_END)
      raise HTTP::Refused.new(431, 'the head is too long') if head_end.nil? || head_end > HTTP::MAX_HEAD_BYTES

      head = HTTP::Head.new(take(head_end + HEAD_END.bytesize).delete_suffix(HEAD_END))
      framing = head.framing
      @socket.write("HTTP/1.1 100 Continue\r\n\r\n") if head.expects_continue? && framing != 0 && @buffer.empty?
      body = framing == :chunked ? read_chunks : read_bytes(framing)
      HTTP::Request.new(
        method: head.method, target: head.target, headers: head.fields, body: body, keep_alive: head.keep_alive?
      )
    rescue SystemCallError, IOError => e
      raise HTTP::Gone, e.message
    end

    def write(response, head_only:, keep_alive:)
      bytes = response.head(keep_alive: keep_alive)
      bodiless = head_only || response.status == 204 || response.status == 304
      if bodiless
        @socket.write(bytes)
      elsif response.body.is_a?(File)
        @socket.write(bytes)
        length = response.length
        copied = IO.copy_stream(response.body, @socket, length)
        # Too late for another status: the cut connection tells that the body is short.
        raise HTTP::Gone, "#{response.body.path} shrank while it was sent" if copied != length
      else
        @socket.write(bytes, response.body)
      end
    rescue SystemCallError, IOError => e
      raise HTTP::Gone, e.message
    end

    def close
      @socket.close unless @socket.closed?
    end

    private

    def read_bytes(length)
      raise HTTP::Refused.new(413, 'the body is too long') if length > HTTP::MAX_BODY_BYTES

      fill until @buffer.bytesize >= length
      take(length)
    end

    def read_chunks
      body = String.new(encoding: Encoding::BINARY)
      until (size = read_chunk_size).zero?
        raise HTTP::Refused.new(413, 'the body is too long') if body.bytesize + size > HTTP::MAX_BODY_BYTES

        body << read_bytes(size)
        raise HTTP::Refused.new(400, 'a chunk does not end where it said') unless read_bytes(2) == "\r\n"
      end
      skip_trailers
      body
    end

    def read_chunk_size
      size = /\A(\h{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\z/n.match(read_line(HTTP::MAX_CHUNK_LINE_BYTES))
      raise HTTP::Refused.new(400, 'malformed chunk size') unless size

      size[1].hex
    end

    def skip_trailers
      left = HTTP::MAX_HEAD_BYTES
      until (line = read_line(left)).empty?
        raise HTTP::Refused.new(400, 'malformed trailer') unless HTTP::Head::FIELD.match?(line)

        left -= line.bytesize + 2
      end
    end

    def read_line(limit)
      until (line_end = @buffer.index("\r\n"))
        raise HTTP::Refused.new(400, 'a line of the body is too long') if @buffer.bytesize > limit

        fill
      end
      raise HTTP::Refused.new(400, 'a line of the body is too long') if line_end > limit

      take(line_end + 2).delete_suffix("\r\n")
    end

    def take(count)
      @buffer.slice!(0, count)
    end

    def fill
      raise HTTP::Refused.new(408, 'the body did not come') unless @socket.wait_readable(HTTP::PAUSE_SECONDS)

      @buffer << @socket.readpartial(READ_BYTES)
    end
  end
end
