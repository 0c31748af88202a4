# frozen_string_literal: true

require 'base64'
require 'openssl'

# What PostgreSQL keeps of a role's password: its SCRAM-SHA-256 verifier (RFC 5803). To be called on
# the host, by Deferred, within Sensitive. The salt follows from the password, which is random and long: so the same
# password gives the same verifier, and a second run changes nothing.
Puppet::Functions.create_function(:'airaware::verifier') do
  # @param name The name of the secret that is the password.
  # @return [String[1]] The verifier.
  dispatch :verifier do
    param 'Pattern[/\A[a-z_]+\z/]', :name
    return_type 'String[1]'
  end

  def verifier(name)
    password = call_function('airaware::secret', name)
    iterations = 4096
    salt = hmac(password, 'salt')[0, 16]
    salted = OpenSSL::PKCS5.pbkdf2_hmac(password, salt, iterations, 32, 'sha256')
    stored = OpenSSL::Digest.digest('SHA256', hmac(salted, 'Client Key'))
    keys = [stored, hmac(salted, 'Server Key')].map { |key| Base64.strict_encode64(key) }.join(':')
    "SCRAM-SHA-256$#{iterations}:#{Base64.strict_encode64(salt)}$#{keys}"
  end

  def hmac(key, text)
    OpenSSL::HMAC.digest('SHA256', key, text)
  end
end
