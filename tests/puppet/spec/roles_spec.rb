# frozen_string_literal: true

require_relative 'spec_helper'

describe 'host.test', type: :host do
  ROLES.product(ENVIRONMENTS, SYSTEMS.keys).each do |role, environment, system|
    context "as #{role} in #{environment} on #{system}" do
      let(:facts) { SYSTEMS[system] }
      let(:trusted_facts) { certificate_of(role, environment) }

      it { is_expected.to compile.with_all_deps }
    end
  end
end
