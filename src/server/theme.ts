/** Before anything is drawn: the colours that the reader chose last time. Without it those of the system hold. */
export const THEME = `try{const chosen=localStorage.getItem("theme");if(chosen==="light"||chosen==="dark")document.documentElement.dataset.theme=chosen}catch{}`;
