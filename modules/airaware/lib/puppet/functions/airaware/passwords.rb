# frozen_string_literal: true

# The content of a libpq password file: roles and their passwords, for all of the zones' databases.
# To be called on the host, by Deferred, within Sensitive.
Puppet::Functions.create_function(:'airaware::passwords') do
  # @param secrets The name of the secret that is the password, by database role.
  # @return [String[1]] The file's content.
  # @example The web server's password file
  #   Sensitive(Deferred('airaware::passwords', [{ 'airaware_reader' => 'reader_password' }]))
  dispatch :passwords do
    param 'Hash[Pattern[/\A[a-z_]+\z/], Pattern[/\A[a-z_]+\z/], 1]', :secrets
    return_type 'String[1]'
  end

  def passwords(secrets)
    secrets.map { |role, name|
      password = call_function('airaware::secret', name)
      "*:*:*:#{role}:#{password.gsub(%r{[\\:]}) { |character| "\\#{character}" }}\n"
    }.join
  end
end
