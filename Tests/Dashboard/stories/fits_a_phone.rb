# What reaches beyond the screen, but for what scrolls in a place of its own.
BEYOND = <<~JS.freeze
  const wide = document.documentElement.scrollWidth;
  const out = [...document.querySelectorAll("body *")].filter((one) => {
    if (!one.checkVisibility() || one.closest(".top nav, pre, .hidden, .skip, thead")) return false;
    const box = one.getBoundingClientRect();
    return box.width > 0 && (box.right > arguments[0] + 1 || box.left < -1);
  });
  return [wide, out.slice(0, 5).map((one) => `${one.tagName}.${one.className?.baseVal ?? one.className} ${one.textContent.slice(0, 40)}`)];
JS

Story.tell "on a phone of 320 pixels nothing reaches beyond its screen, in either theme" do
  at_the_dashboard(pools: { "masters" => 2, "a-pool-with-a-name-that-is-long" => 1 }, with_token: WITH_TOKEN, more: ["recycle: {memory: 300MiB, requests: 100}"]) do
    unlock if WITH_TOKEN
    pool.command("drain", "masters/1")
    [320, 390, 768, 1280].each do |width|
      browser.size(width, 800)
      %w[light dark].each do |scheme|
        browser.prefer(color_scheme: scheme)
        wait("the drain") { browser.text("#problems").to_s.include?("taken out") }
        # What is drawn is drawn anew for its new width.
        browser.run("await new Promise((resolve) => setTimeout(resolve, 300))")
        sideways, beyond = browser.run(BEYOND, width)
        expect("#{width} pixels, #{scheme}: beyond its screen", beyond, [])
        expect("#{width} pixels, #{scheme}: its width", sideways, (..width))
      end
    end
    browser.size(320, 800)
    expect("a value's title beside it", browser.run("return getComputedStyle(document.querySelector('.workers td.age'), '::before').content"), '"Age"')
    expect("still a table for who hears it", browser.run("return document.querySelector('.workers tbody tr').getAttribute('role')"), "row")
  end
end
