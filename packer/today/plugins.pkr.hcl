# Today's Packer finds its builders and provisioners in plugins: `packer init` brings these. Packer
# 1.6, which has them built in, rejects this block: `fab images` gives it to newer ones alone.
packer {
  required_version = ">= 1.7"

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
    puppet = {
      source  = "github.com/hashicorp/puppet"
      version = "~> 1.0"
    }
  }
}
