package flight

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A disk that is full costs the save and leaves nothing behind; when there is
// room again the next one is made.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no disk to fill, which takes root: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	synctest.Test(t, func(t *testing.T) {
		source := &box{data: make([]byte, 1<<20)}
		r := open(t, Config{Dir: dir, source: source})
		r.Blame(late("m", 1))
		synctest.Wait()
		require.EqualValues(t, 1, r.Stats().Failed)
		require.Contains(t, r.Stats().Problem, "no space left on device")
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, files)

		source.data = source.data[:1<<10]
		time.Sleep(DefaultEvery)
		r.Blame(late("m", 2))
		synctest.Wait()
		require.Len(t, r.List(), 1)
		r.Close()
	})
}
