# frozen_string_literal: true

# Pictures of a living dashboard: ruby pictures.rb URL FOLDER.
require 'base64'
require_relative '../../Tests/Dashboard/browser'

url, folder = ARGV
MOST = 250 * 1024 # bytes of a picture

# - from, to: the elements at its upper and lower edge; - most: CSS pixels high, where the last is longer.
Picture = Struct.new(:name, :width, :scheme, :scale, :from, :to, :most, keyword_init: true)
PICTURES = [
  Picture.new(name: 'dashboard-light', width: 1280, scheme: 'light', scale: 1, from: 'body', to: '#memory', most: 1200),
  Picture.new(name: 'dashboard-dark', width: 1280, scheme: 'dark', scale: 1, from: '#traffic', to: '#ledger', most: 1300),
  Picture.new(name: 'phone-light', width: 400, scheme: 'light', scale: 2, from: 'body', to: '#memory', most: 860),
  Picture.new(name: 'phone-dark', width: 400, scheme: 'dark', scale: 2, from: '#memory', to: '#traffic', most: 860)
].freeze
EDGES = <<~SCRIPT
  const [from, to] = arguments.map((one) => document.querySelector(one).getBoundingClientRect());
  const gap = arguments[0] === "body" ? 0 : 12;
  return [from.top + scrollY - gap, to.bottom + scrollY + 12];
SCRIPT

def take(browser, picture, folder)
  browser.size(picture.width, 900, picture.scale)
  browser.prefer(color_scheme: picture.scheme, reduced_motion: 'reduce')
  browser.run('document.activeElement?.blur(); scrollTo(0, 0)')
  sleep 1.5 # Charts are drawn anew for their width.
  top, bottom = browser.run(EDGES, picture.from, picture.to)
  clip = { x: 0, y: top, width: picture.width, height: [bottom - top, picture.most].min, scale: 1 }
  taken = browser.cdp('Page.captureScreenshot', format: 'png', captureBeyondViewport: true, clip: clip)
  file = "#{folder}/#{picture.name}.png"
  File.binwrite(file, Base64.decode64(taken.fetch('data')))
  raise "#{file} has #{File.size(file)} bytes, more than #{MOST}" if File.size(file) > MOST

  puts "  #{File.basename(file)}: #{File.size(file) / 1024} KiB"
end

Browser.open(width: 1280, height: 1180) do |browser|
  browser.visit(url)
  browser.wait('the live page') { browser.text('#link-words') == 'Live' && browser.texts('.workers tbody tr').any? }
  browser.press_if_shown('#range-15-min')
  # The charts of queue and latency begin when the page is opened.
  sleep Integer(ENV.fetch('LOOK_SECONDS', '90'))
  PICTURES.each { |picture| take(browser, picture, folder) }
end
