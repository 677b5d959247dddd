-- KEYS a lane's list. ARGV envelope id, sender's id as it stands in a text, most findings. Returns index, text, …

local wanted, json, most = ARGV[1] .. '\n', ARGV[2], tonumber(ARGV[3])
local found, step = {}, 200
for from = 0, redis.call('LLEN', KEYS[1]) - 1, step do
  for i, raw in ipairs(redis.call('LRANGE', KEYS[1], from, from + step - 1)) do
    if string.sub(raw, 1, #wanted) == wanted or string.find(raw, json, 1, true) then
      found[#found + 1] = from + i - 1
      found[#found + 1] = raw
      if #found >= 2 * most then return found end
    end
  end
end
return found
