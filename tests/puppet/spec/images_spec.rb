# frozen_string_literal: true

require_relative 'spec_helper'

# What a build knows (packer/image.pkr.hcl): no instance, no zone.
describe 'image.test', type: :host do
  ENVIRONMENTS.product(SYSTEMS.keys).each do |environment, system|
    context "as the image in #{environment} on #{system}" do
      let(:facts) { SYSTEMS[system] }
      let(:trusted_facts) { { 'pp_role' => 'web', 'pp_environment' => environment, 'pp_zone' => 'unknown' } }

      it { is_expected.to compile.with_all_deps }
    end
  end
end
