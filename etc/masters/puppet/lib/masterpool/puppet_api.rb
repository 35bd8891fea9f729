# frozen_string_literal: true

require 'cgi'
require 'uri'
require 'masterpool/http'

module MasterPool
  # Puppet's own request handler behind our connections: it asks for the parts of a request by name.
  class PuppetAPI
    include Puppet::Network::HTTP::Handler

    TEXT = 'text/plain; charset=utf-8'
    FORM = 'application/x-www-form-urlencoded'
    # Enough to find the plugin that raised; the rest is Puppet's evaluator.
    BACKTRACE_LINES = 12

    def initialize
      server = Puppet::Network::HTTP::API::Server::V3.routes
      register [
        Puppet::Network::HTTP::Route.path(%r{^/puppet/}).any.chain(server, Puppet::Network::HTTP::API.not_found)
      ]
    end

    # Always answers; what is wrong with the request or with the master is in the answer.
    def call(request)
      return HTTP::Response.new(200, TEXT, 'running') if request.path == '/status' && %w[GET HEAD].include?(request.method)

      response = HTTP::Response.new
      answer(request, response)
      response
    end

    def headers(request)
      request.headers
    end

    def http_method(request)
      request.method
    end

    def body(request)
      request.body
    end

    # Decoded: Puppet takes the keys of its indirections from it as they stand.
    def path(request)
      decoded = URI::DEFAULT_PARSER.unescape(request.path).force_encoding(Encoding::UTF_8)
      raise HTTP::Refused.new(400, 'the path is not UTF-8') unless decoded.valid_encoding?
      raise HTTP::Refused.new(400, 'the path leaves its place') if decoded.include?("\0") || decoded.split('/').include?('..')

      decoded
    end

    # Query and form in one, the form's word winning: agents name their environment in both. Then who asks.
    def params(request)
      given = decode_pairs(request.query)
      given.merge!(decode_pairs(request.body)) if request.headers['content-type'].to_s.start_with?(FORM)
      decode_params(given).merge(identity(request))
    end

    def client_cert(request)
      certificate = certificate(request)
      certificate && Puppet::SSL::Certificate.from_instance(certificate)
    end

    def set_content_type(response, format)
      response['Content-Type'] = format
    end

    def set_response(response, body, status = 200)
      refuse_folder(body) if body.is_a?(File)
      response.status = status || 200
      response.body = body || ''
    end

    # As the original, except that a manifest's error is not logged a third time with a hundred lines of evaluator.
    def respond_to_errors(response)
      yield
    rescue Puppet::Network::HTTP::Error::HTTPError => e
      Puppet.info(e.message)
      respond_with_http_error(response, e)
    rescue Puppet::ParseError, Puppet::PreformattedError => e
      respond_with_http_error(response, Puppet::Network::HTTP::Error::HTTPServerError.new(e))
    rescue StandardError, ScriptError, SystemStackError, NoMemoryError => e
      # The last three are no StandardErrors, yet to be had from any plugin of the site's.
      Puppet.err(["#{e.class}: #{e.message}", *e.backtrace.to_a.first(BACKTRACE_LINES)].join("\n"))
      respond_with_http_error(response, Puppet::Network::HTTP::Error::HTTPServerError.new(e))
    end

    private

    # Puppet opens whatever has the name; that a folder has no content would only show once the head is sent.
    def refuse_folder(file)
      return unless file.stat.directory?

      file.close
      raise Puppet::Network::HTTP::Error::HTTPNotFoundError.new(
        'the path is that of a folder', Puppet::Network::HTTP::Issues::RESOURCE_NOT_FOUND
      )
    end

    def answer(request, response)
      process(request, response)
    rescue HTTP::Refused, ArgumentError => e
      # Before Puppet's own handler took over: a query, form or certificate that cannot be read.
      error = Puppet::Network::HTTP::Error::HTTPBadRequestError.new(e.message)
      respond_with_http_error(Puppet::Network::HTTP::Response.new(self, response), error)
    end

    # A name that comes more than once has a list for its value.
    def decode_pairs(text)
      URI.decode_www_form(text).group_by(&:first).transform_values { |same| same.size == 1 ? same[0][1] : same.map(&:last) }
    end

    def identity(request)
      ip = request.headers['x-real-ip'] || '127.0.0.1'
      name = verified_name(request)
      # Without a node's name Puppet would look the address up in the DNS.
      { node: name || ip, ip: ip, authenticated: !name.nil? }
    end

    def verified_name(request)
      return unless request.headers['x-client-verify'] == 'SUCCESS'

      name = request.headers['x-client-dn'].to_s[/(?:\A|[,\/])\s*CN=([^,\/]+)/i, 1]&.strip
      raise HTTP::Refused.new(400, 'a verified client without a name') unless name

      of_certificate = certificate(request)&.subject&.to_a&.find { |part, _| part == 'CN' }
      return name if of_certificate.nil? || of_certificate[1] == name

      raise HTTP::Refused.new(400, "the certificate belongs to #{of_certificate[1]}, not to #{name}")
    end

    def certificate(request)
      return unless request.headers['x-client-verify'] == 'SUCCESS'

      pem = request.headers['x-client-cert'].to_s
      return if pem.empty?

      OpenSSL::X509::Certificate.new(URI::DEFAULT_PARSER.unescape(pem))
    rescue OpenSSL::X509::CertificateError
      raise HTTP::Refused.new(400, 'the client certificate cannot be read')
    end
  end
end
