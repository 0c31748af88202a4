# frozen_string_literal: true

require_relative 'spec_helper'

# What a build knows (packer/image.pkr.hcl): no instance, no zone.
describe 'image.test', type: :host do
  around do |example|
    site = RSpec.configuration.manifest
    RSpec.configuration.manifest = File.expand_path('../../../packer/base.pp', __dir__)
    example.run
    RSpec.configuration.manifest = site
  end

  ENVIRONMENTS.product(SYSTEMS.keys).each do |environment, system|
    context "as what images are built on in #{environment} on #{system}" do
      let(:facts) { SYSTEMS[system] }
      let(:trusted_facts) { { 'pp_role' => 'base', 'pp_environment' => environment, 'pp_zone' => 'unknown' } }

      it { is_expected.to compile.with_all_deps }
    end
  end
end
