/** Looks at what lies in the lanes and in the dedupe window, as Lua for EVALSHA. They read only, in small steps. */

/** KEYS a lane's list. ARGV envelope id. Returns [index, text] of the envelope, false when it is not there. */
export const findScript = `
local wanted = ARGV[1] .. '\\n'
local step = 200
for from = 0, redis.call('LLEN', KEYS[1]) - 1, step do
  for i, raw in ipairs(redis.call('LRANGE', KEYS[1], from, from + step - 1)) do
    if string.sub(raw, 1, #wanted) == wanted then return {from + i - 1, raw} end
  end
end
return false
`;

/** KEYS a lane's list. ARGV envelope id, sender's id as it stands in a text, most findings. Returns index, text, … */
export const laneSearchScript = `
local wanted, json, most = ARGV[1] .. '\\n', ARGV[2], tonumber(ARGV[3])
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
`;

/**
 * KEYS a hash of the dedupe window. ARGV cursor, an id, its tag as a sender's id. Looks at some thousand fields. Returns
 * the next cursor ('0' = done) and the ids of the envelopes that go by that id.
 */
export const windowSearchScript = `
local id, tag = ARGV[2], ARGV[3]
local own = 'e' .. id
local answer = {ARGV[1]}
for _ = 1, 5 do
  local page = redis.call('HSCAN', KEYS[1], answer[1], 'COUNT', 1000)
  answer[1] = page[1]
  local flat = page[2]
  for i = 1, #flat, 2 do
    if flat[i] == own then
      answer[#answer + 1] = id
    elseif flat[i + 1] == id or (string.byte(flat[i]) == 109 and string.sub(flat[i], -#tag) == tag) then
      answer[#answer + 1] = flat[i + 1]
    end
  end
  if page[1] == '0' then break end
end
return answer
`;
