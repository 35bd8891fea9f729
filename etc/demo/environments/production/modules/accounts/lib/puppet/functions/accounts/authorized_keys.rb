# An authorized_keys file from keys by name, the same whatever order the data come in.
Puppet::Functions.create_function(:'accounts::authorized_keys') do
  dispatch :lines do
    param 'Hash[String, String]', :keys
    param 'String', :user
    return_type 'String'
  end

  def lines(keys, user)
    keys.sort.map { |name, key| "ssh-ed25519 #{key} #{user}@#{name}\n" }.join
  end
end
