# frozen_string_literal: true

require_relative 'spec_helper'

IMAGE = File.read(File.expand_path('../../../packer/image.pp', __dir__))

# What a build knows (packer/image.pkr.hcl): no instance, no zone.
describe 'image.test', type: :host do
  let(:pre_condition) { IMAGE }

  ENVIRONMENTS.product(SYSTEMS.keys).each do |environment, system|
    context "as the image in #{environment} on #{system}" do
      let(:facts) { SYSTEMS[system] }
      let(:trusted_facts) { { 'pp_role' => 'web', 'pp_environment' => environment, 'pp_zone' => 'unknown' } }

      it { is_expected.to compile.with_all_deps }

      it 'has the policy by which a master signs' do
        is_expected.to contain_file('/usr/local/sbin/airaware-autosign')
          .with_content(%r{--environment #{environment} --domain #{environment}\.airaware\.internal })
      end
    end
  end
end
