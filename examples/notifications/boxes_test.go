package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBoxKeepsTheLastAndKnowsWhatIsRead(t *testing.T) {
	bs := boxes{of: map[string]*box{}}
	ada := map[string]bool{"ada": false}
	first := bs.put(ada, "first", "")
	for range maxBox - 1 {
		bs.put(ada, "more", "")
	}
	require.Equal(t, first, bs.look("ada").Items[0])
	last := bs.put(ada, "last", "")
	b := bs.look("ada")
	require.Len(t, b.Items, maxBox)
	require.Greater(t, b.Items[0].ID, first.ID)
	require.Equal(t, last, b.Items[maxBox-1])
	require.Equal(t, last.ID, bs.read("ada", 1<<60).Read, "nobody has read the future")
	require.Equal(t, last.ID, bs.read("ada", 1).Read)
	require.Empty(t, bs.read("nobody", 1).Items)
}

func TestBoxesAreBounded(t *testing.T) {
	bs := boxes{of: map[string]*box{}}
	all := map[string]bool{}
	for i := range maxBoxes {
		all[fmt.Sprint(i)] = false
	}
	bs.put(all, "all", "")
	require.Len(t, bs.of, maxBoxes)
	bs.put(map[string]bool{"one more": false}, "", "")
	require.Len(t, bs.of, maxBoxes)
	require.NotEmpty(t, bs.look("one more").Items)
}

func TestOrderNamesOneAudience(t *testing.T) {
	for user, want := range map[string]bool{"ada": true, "": false, "no blanks": false, strings.Repeat("a", 24): true, strings.Repeat("a", 25): false} {
		o := order{Title: "t"}
		o.To.User = user
		require.Equal(t, want, o.check() == nil, user)
		o.To.All = true
		require.Equal(t, user == "", o.check() == nil, "not both")
	}
	o := order{Title: strings.Repeat("ä", maxTitle), Text: strings.Repeat("ä", maxText)}
	o.To.All = true
	require.NoError(t, o.check())
	o.Title += "ä"
	require.Error(t, o.check())
}
