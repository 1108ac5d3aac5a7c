// What the pod of `helm test` runs: asks until there is an answer, and says what came.
const ask = async (path) => {
  const answer = await fetch(new URL(path, process.env.SERVETWIN), { signal: AbortSignal.timeout(5000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${text.trim()}`);
  return text;
};
for (;;) {
  try {
    await ask("/readyz");
    const { simulations } = JSON.parse(await ask("/api/v1/simulations"));
    console.log(`servetwin is ready; simulations: ${simulations.length}`);
    break;
  } catch (error) {
    console.error(`${error.message}${error.cause ? `: ${error.cause.message}` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}
