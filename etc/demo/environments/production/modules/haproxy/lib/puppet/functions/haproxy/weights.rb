# Weights from 1 to 256 in proportion to each server's cores.
Puppet::Functions.create_function(:'haproxy::weights') do
  dispatch :weights do
    param 'Hash[String, Hash]', :servers
    return_type 'Hash[String, Integer]'
  end

  def weights(servers)
    most = servers.values.map { |server| server['cores'] }.max
    servers.transform_values { |server| [256 * server['cores'] / most, 1].max }
  end
end
