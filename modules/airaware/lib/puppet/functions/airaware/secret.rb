# frozen_string_literal: true

require 'open3'

# A secret of the host's role, from SSM Parameter Store. To be called on the host, by Deferred, so
# that it is in no catalog; within Sensitive, so that Puppet neither logs nor reports it.
Puppet::Functions.create_function(:'airaware::secret') do
  # @param name The secret's name within the secrets of the host's role.
  # @return [String[1]] The secret.
  # @example A file with a password that the master never sees
  #   file { '/etc/example/password':
  #     content => Sensitive(Deferred('airaware::secret', ['password'])),
  #   }
  dispatch :secret do
    param 'Pattern[/\A[a-z_]+\z/]', :name
    return_type 'String[1]'
  end

  def secret(name)
    value, errors, status = Open3.capture3('/usr/local/sbin/airaware-secret', name)
    raise Puppet::Error, errors.strip unless status.success?

    value
  rescue SystemCallError => e
    raise Puppet::Error, "The secret #{name} cannot be fetched: #{e.message}"
  end
end
