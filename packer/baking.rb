# frozen_string_literal: true

# `puppet apply` as a build needs it, and only a build loads this (RUBYOPT): on a host that runs, the
# certificate alone decides.
require 'yaml'
require 'puppet'

# What the host's certificate will say comes from the attributes of its request, as its first boot
# writes them: `puppet apply` asks no certificate, and would know no role.
Puppet::Context::TrustedInformation.singleton_class.prepend(
  Module.new do
    def local(node)
      attributes = YAML.safe_load(File.read(ENV.fetch('AIRAWARE_ATTRIBUTES')))
      new('local', node && node.name, attributes.fetch('extension_requests'), {})
    end
  end
)

# A secret of a resource that is left out (--skip_tags) is not fetched either.
Puppet::Transaction.prepend(
  Module.new do
    def resolve_resource(resource)
      super unless skip_tags?(resource)
    end
  end
)
