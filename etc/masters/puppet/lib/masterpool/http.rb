# frozen_string_literal: true

require 'time'

module MasterPool
  # HTTP/1.1 as RFC 9112 has it, and no more than a master behind a front needs.
  module HTTP
    MAX_HEAD_BYTES = 128 * 1024
    MAX_BODY_BYTES = 256 * 1024 * 1024
    MAX_CHUNK_LINE_BYTES = 4096
    # The front has the whole head before it sends the first byte, and most bodies: a pause this long is a dead one.
    PAUSE_SECONDS = 60

    REASONS = {
      200 => 'OK', 204 => 'No Content', 304 => 'Not Modified', 400 => 'Bad Request', 403 => 'Forbidden',
      404 => 'Not Found', 405 => 'Method Not Allowed', 406 => 'Not Acceptable', 408 => 'Request Timeout',
      413 => 'Content Too Large', 415 => 'Unsupported Media Type', 417 => 'Expectation Failed',
      431 => 'Request Header Fields Too Large', 500 => 'Internal Server Error', 501 => 'Not Implemented',
      503 => 'Service Unavailable', 505 => 'HTTP Version Not Supported'
    }.freeze

    # A request that cannot be answered as asked; the connection ends with the answer.
    class Refused < StandardError
      attr_reader :status

      def initialize(status, message)
        super(message)
        @status = status
      end
    end

    # The other side went away in the middle of something.
    class Gone < StandardError; end

    # A message head: request line and fields. Field names are in lower case.
    class Head
      TOKEN = %r{[!#$%&'*+\-.^_`|~0-9A-Za-z]+}.freeze
      REQUEST_LINE = %r{\A(#{TOKEN}) (/[\x21-\x7e\x80-\xff]*) HTTP/(\d)\.(\d)\z}n.freeze
      FIELD = /\A(#{TOKEN}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\z/n.freeze
      # Two of these would mean two readers who disagree.
      SINGLE = %w[host content-length transfer-encoding content-type x-client-verify x-client-dn x-client-cert].freeze

      attr_reader :method, :target, :fields

      # `bytes`: everything up to, not including, the empty line.
      def initialize(bytes)
        request_line, *lines = bytes.split("\r\n", -1)
        @method, @target, major, @minor = REQUEST_LINE.match(request_line)&.captures
        raise Refused.new(400, 'malformed request line') unless @method
        raise Refused.new(505, 'only HTTP/1.0 and HTTP/1.1 are spoken here') unless major == '1'

        @fields = read(lines)
        raise Refused.new(400, 'an HTTP/1.1 request needs a Host') if http11? && !@fields.key?('host')
      end

      def http11?
        @minor.to_i >= 1
      end

      def keep_alive?
        options = @fields.fetch('connection', '').downcase.split(/[ \t]*,[ \t]*/)
        http11? ? !options.include?('close') : options.include?('keep-alive')
      end

      def expects_continue?
        return false unless http11? && @fields.key?('expect')
        raise Refused.new(417, 'unknown expectation') unless @fields['expect'].casecmp?('100-continue')

        true
      end

      # `:chunked`, or the body's length in bytes (RFC 9112, section 6.3).
      def framing
        coding = @fields['transfer-encoding']
        length = @fields['content-length']
        if coding
          raise Refused.new(400, 'both Transfer-Encoding and Content-Length') if length
          raise Refused.new(400, 'Transfer-Encoding in HTTP/1.0') unless http11?
          raise Refused.new(501, 'the only transfer coding here is chunked') unless coding.casecmp?('chunked')

          return :chunked
        end
        return 0 unless length
        raise Refused.new(400, 'malformed Content-Length') unless /\A\d{1,18}\z/.match?(length)

        length.to_i
      end

      private

      def read(lines)
        lines.each_with_object({}) do |line, fields|
          name, value = FIELD.match(line)&.captures
          raise Refused.new(400, 'malformed header field') unless name

          name = name.downcase
          if fields.key?(name)
            raise Refused.new(400, "more than one #{name}") if SINGLE.include?(name)

            fields[name] << ', ' << value
          else
            fields[name] = value
          end
        end
      end
    end

    Request = Struct.new(:method, :target, :headers, :body, :keep_alive, keyword_init: true) do
      def path
        target.partition('?').first
      end

      def query
        target.partition('?').last
      end
    end

    # What the application fills in; a File as body is streamed and closed.
    class Response
      attr_accessor :status, :body
      attr_reader :headers

      def initialize(status = 200, type = nil, body = '')
        @status = status
        @headers = {}
        @headers['Content-Type'] = type if type
        @body = body
      end

      def []=(name, value)
        @headers[name] = value
      end

      def head(keep_alive:)
        lines = ["HTTP/1.1 #{status} #{REASONS.fetch(status, 'Status')}"]
        @headers.each { |name, value| lines << "#{name}: #{value.to_s.tr("\r\n", '  ')}" }
        lines << "Date: #{Time.now.httpdate}"
        lines << "Content-Length: #{length}" unless status == 204 || status == 304
        lines << "Connection: #{keep_alive ? 'keep-alive' : 'close'}"
        lines.join("\r\n").concat("\r\n\r\n").b
      end

      def length
        body.is_a?(File) ? body.size : body.bytesize
      end

      def close
        body.close if body.is_a?(File) && !body.closed?
      end
    end
  end
end
